/**
 * The last event number of each account: what makes the stream free of gaps and doubles.
 *
 * `accept` says whether an event is the next one (`apply`), was seen before (`repeat`), or follows
 * one that never arrived (`gap`: subscribe again from the last number).
 */
export class Cursor {
  private readonly last = new Map<number, number>();

  accept(accountId: number, seq: number, previous: number): "apply" | "repeat" | "gap" {
    const last = this.last.get(accountId);
    if (last !== undefined) {
      if (seq <= last) return "repeat";
      if (previous > last) return "gap";
    }
    this.last.set(accountId, seq);
    return "apply";
  }

  /** A snapshot of the account as of `seq` was applied. */
  reset(accountId: number, seq: number): void {
    this.last.set(accountId, seq);
  }

  forget(accountId: number): void {
    this.last.delete(accountId);
  }

  /** The numbers to resume from, of the accounts that are named and known. */
  resume(accounts: Iterable<number>): Record<string, number> {
    const found: Record<string, number> = {};
    for (const account of accounts) {
      const seq = this.last.get(account);
      if (seq !== undefined) found[String(account)] = seq;
    }
    return found;
  }
}
