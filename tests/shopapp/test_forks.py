"""A process that forks while another of its threads holds a lock: the child can tell Redis all the same."""

import os
import signal
import threading

from shopapp.lib import queue
from shopapp.lib.queue import Job


def test_a_child_does_not_wait_for_locks_of_threads_that_it_does_not_have(monkeypatch):
    monkeypatch.setattr(queue, "_waker", queue._Waker())
    pool = queue.redis().connection_pool
    held, enough = threading.Event(), threading.Event()

    def hold() -> None:
        with queue._waker.lock, queue._waker.ring._cond, pool._lock:
            queue._waker.waiting.add(Job.CLEAN_UP)  # the parent's to tell
            held.set()
            enough.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(5)
    child = os.fork()
    if child == 0:
        signal.alarm(5)
        queue._waker.add(Job.SEND_MESSAGES)
        queue._waker.flush()
        os._exit(0)
    enough.set()
    thread.join(5)
    _, status = os.waitpid(child, 0)
    assert status == 0
    assert queue.redis().exists(queue._mark(Job.SEND_MESSAGES))
    assert not queue.redis().exists(queue._mark(Job.CLEAN_UP))
    assert queue._waker.waiting == {Job.CLEAN_UP}
