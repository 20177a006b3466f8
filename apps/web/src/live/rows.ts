/**
 * Rows that change many times a second, kept outside React.
 *
 * Two kinds of change: `put`, `remove` and `replaceAccount` change rows as a whole and renew the
 * snapshot that React renders from; `patch` changes fields of one row and notifies only who
 * watches that row, so that a cell can be painted without a render. All is flushed once a frame.
 * `patchLater` keeps the fields aside: rows that no one watches get them once a second.
 */

export interface LiveRow {
  id: number;
  account_id: number;
}

type Listener = () => void;

/** Runs `flush` once in the next frame, however often it is called. A hidden page gets no frames. */
function scheduler(flush: () => void): () => void {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      flush();
    });
  };
}

/** How often patched fields reach the snapshot, and with it sorting and totals. */
const SNAPSHOT_EVERY_MS = 1000;
/** A row is marked for so long after it came: where it stands depends on the order of the list. */
const NEW_FOR_MS = 10_000;

export class RowStore<Row extends LiveRow> {
  private readonly byId = new Map<number, Row>();
  private readonly structure = new Set<Listener>();
  private readonly perRow = new Map<number, Set<Listener>>();
  private readonly patched = new Set<number>();
  /** The newest fields of rows by id that are not part of them yet. */
  private readonly waiting = new Map<number, Partial<Row>>();
  /** When rows that came after their snapshot did so. */
  private readonly arrivals = new Map<number, number>();
  private snapshot: readonly Row[] = [];
  private changed = false;
  private stale = false;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private readonly schedule: () => void;

  constructor() {
    this.schedule = scheduler(() => this.flush());
  }

  get(id: number): Row | undefined {
    this.mergeWaiting(id);
    return this.byId.get(id);
  }

  /** Whether the row came within the last seconds, and not with a snapshot. */
  isNew(id: number, now = Date.now()): boolean {
    const at = this.arrivals.get(id);
    return at !== undefined && now - at < NEW_FOR_MS;
  }

  get size(): number {
    return this.byId.size;
  }

  /** All rows; the same array until rows changed, at most a second old for patched fields. */
  readonly rows = (): readonly Row[] => this.snapshot;

  readonly subscribe = (listener: Listener): (() => void) => {
    this.structure.add(listener);
    return () => this.structure.delete(listener);
  };

  /** Call `listener` in a frame in which the row was patched or put. */
  readonly subscribeRow = (id: number, listener: Listener): (() => void) => {
    let listeners = this.perRow.get(id);
    if (listeners === undefined) this.perRow.set(id, (listeners = new Set()));
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.perRow.get(id) === listeners) this.perRow.delete(id);
    };
  };

  put(row: Row): void {
    if (!this.byId.has(row.id)) this.arrivals.set(row.id, Date.now());
    this.waiting.delete(row.id);
    this.byId.set(row.id, row);
    this.patched.add(row.id);
    this.touchStructure();
  }

  remove(id: number): void {
    this.arrivals.delete(id);
    this.waiting.delete(id);
    if (this.byId.delete(id)) this.touchStructure();
  }

  /** Change fields of a row that exists. */
  patch(id: number, fields: Partial<Row>): void {
    const row = this.get(id);
    if (row === undefined) return;
    this.byId.set(id, { ...row, ...fields });
    this.patched.add(id);
    this.stale = true;
    this.schedule();
  }

  /** Change fields of a row that exists, always the same ones: newer fields take the place of those that wait. */
  patchLater(id: number, fields: Partial<Row>): void {
    if (!this.byId.has(id)) return;
    this.waiting.set(id, fields);
    this.patched.add(id);
    this.stale = true;
    this.schedule();
  }

  /** Replace all rows of an account by those of a snapshot. */
  replaceAccount(accountId: number, rows: readonly Row[]): void {
    for (const row of this.byId.values()) if (row.account_id === accountId) this.remove(row.id);
    for (const row of rows) {
      this.waiting.delete(row.id);
      this.byId.set(row.id, row);
      this.patched.add(row.id);
    }
    this.touchStructure();
  }

  /** Keep only rows of these accounts. */
  keepAccounts(accounts: ReadonlySet<number>): void {
    for (const row of this.byId.values()) if (!accounts.has(row.account_id)) this.remove(row.id);
  }

  private touchStructure(): void {
    this.changed = true;
    this.schedule();
  }

  private mergeWaiting(id: number): void {
    const fields = this.waiting.get(id);
    if (fields === undefined) return;
    this.waiting.delete(id);
    const row = this.byId.get(id);
    if (row !== undefined) this.byId.set(id, { ...row, ...fields });
  }

  private flush(): void {
    for (const [id, listeners] of this.perRow) {
      if (!this.patched.has(id)) continue;
      for (const listener of listeners) listener();
    }
    this.patched.clear();
    if (this.changed) this.renew();
    else if (this.stale) this.timer ??= setTimeout(() => this.renew(), SNAPSHOT_EVERY_MS);
  }

  private renew(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.changed = false;
    this.stale = false;
    for (const id of this.waiting.keys()) this.mergeWaiting(id);
    this.snapshot = [...this.byId.values()];
    for (const listener of this.structure) listener();
  }
}
