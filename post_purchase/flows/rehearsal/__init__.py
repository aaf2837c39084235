"""The time machine: the shop's own last weeks through its flows, with a virtual clock. Nothing is sent, no row changes.

past.py         reads what happened: orders, parcels, scans, chats (the only file here that asks the database)
history.py      an order's news in their order, and what was known at each
player.py       one person's weeks through the real engine and the real arbiter
shopper.py      what the shopper does: declared assumptions, drawn from a seed
tally.py        adds up; costs.py knows the prices
show.py         the whole rehearsal, and one person's journey with its words
"""
