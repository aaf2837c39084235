"""Meta's count of the people whom a business writes to first. All numbers here belong to one business portfolio."""

from demo.meta.accounts import PORTFOLIO, Accounts
from demo.meta.graph import WINDOW, Refused

TIERS = {"TIER_250": 250, "TIER_2K": 2_000, "TIER_10K": 10_000, "TIER_100K": 100_000}


class PortfolioLimit(Accounts):
    def set_tier(self, tier: str) -> None:
        """Meta raises or lowers it, and tells every account of the portfolio. TIER_UNLIMITED: no limit."""
        with self.state.lock:
            numbers = self.state.part("whatsapp_numbers")
            for number in numbers.values():
                number["tier"] = tier
            self.state.touch()
        value = {"max_daily_conversations_per_business": tier, "max_phone_numbers_per_waba": 25}
        for waba in {number["waba"] for number in numbers.values() if number["subscribed"]}:
            self._envelope(waba, "business_capability_update", value)

    def count_first_word(self, user_id: str, tier: str) -> None:
        """A template to somebody outside the window. Refuses one person too many."""
        now = self.now().timestamp()
        with self.state.lock:
            people = self.state.part("first_words").setdefault(PORTFOLIO, {})
            recent = {user for user, at in people.items() if at > now - WINDOW.total_seconds()}
            if user_id not in recent and len(recent) >= TIERS.get(tier, len(recent) + 1):
                details = "Message failed to send because the messaging limit of the business portfolio is reached."
                raise Refused(131048, "Spam rate limit hit", details=details)
            people[user_id] = now
            self.state.touch()
