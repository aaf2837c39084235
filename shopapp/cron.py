"""The sweeps (`manage.py rqcron shopapp.cron`). Each finds due rows that a lost wake-up left behind."""

from shopapp.lib.queue import Job, every

every(5, Job.PROCESS_WEBHOOKS)
every(5, Job.HANDLE_EVENTS)
every(5, Job.HANDLE_TIMERS)
every(5, Job.SEND_MESSAGES)
every(15, Job.FETCH_MEDIA)
every(15, Job.ISSUE_REWARDS)
every(15, Job.CALL_OUT)
every(15, Job.INGEST_SCANS)
every(15, Job.MAKE_PRINTS)
every(30, Job.SET_UP_SHOP)
every(30, Job.BACKFILL_ORDERS)
every(30, Job.SYNC_PRODUCTS)
every(60, Job.SUBMIT_TEMPLATES)
every(60, Job.PUBLISH_METAFIELDS)
every(60, Job.RECONCILE_MESSAGES)
every(180, Job.RECONCILE_ORDERS)
every(300, Job.WATCH_TIME)
every(300, Job.ANSWER_PRIVACY_REQUESTS)
every(3600, Job.KEEP_TOKENS_ALIVE)
every(3600, Job.CLEAN_UP)
