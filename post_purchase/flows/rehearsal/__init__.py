"""The time machine: the shop's own last weeks through its flows, with a virtual clock. Nothing is sent, no row changes.

past.py         reads what happened: orders, parcels, scans, chats (the only file here that asks the database)
history.py      an order's news in their order, and what was known at each
weeks.py        one person, the clock and the facts; on it stand, each on the one before:
speaking.py     what the flows say, judged by the real arbiter (memory.py: what was said before)
chatting.py     what the shopper does (shopper.py: by declared assumptions, drawn from a seed)
passing.py      what time alone brings
player.py       what happened, and the runs, through the real engine
tally.py        adds up; costs.py knows the prices
show.py         the whole rehearsal, and one person's journey with its words
stage.py        from the row to the play and back
"""
