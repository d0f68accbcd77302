"""Test accounts: leased with a phone, free again with it. Never two runs have one."""

from __future__ import annotations

from contracts.values import AccountRef
from services.orchestrator.decisions.fleet_model import Account, Fleet


class FreeAccounts:
    """Accounts that no run has, each given once; of a pool the one that was unused longest."""

    def __init__(self, state: Fleet) -> None:
        taken = {lease.account for lease in state.leases.values()}
        free = [a for name, a in state.accounts.items() if name not in taken and not a.removed]
        self._free = sorted(free, key=lambda a: (a.last_token, a.ref.name))

    def has(self, pool: str) -> bool:
        return any(account.ref.pool == pool for account in self._free)

    def take(self, pool: str) -> AccountRef:
        """One of the pool, which must have one."""
        account: Account = next(a for a in self._free if a.ref.pool == pool)
        self._free.remove(account)
        return account.ref


def why_no_account(state: Fleet, pool: str) -> str | None:
    """Why a task cannot get an account of the pool, however long it waits; None where it can."""
    pools = sorted({a.ref.pool for a in state.accounts.values() if not a.removed})
    if pool in pools:
        return None
    there = f"; there are {', '.join(pools[:10])}" if pools else ""
    return f"there is no test account of pool {pool}{there}: `waymark accounts add NAME --pool {pool}` declares one"
