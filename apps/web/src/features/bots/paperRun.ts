/** The last run of a bot's strategy without real money. */
import type { Environment } from "@/api/types";
import { isStopped, type Bot } from "@/features/bots/reads";

export interface PaperRun {
  bot: Bot;
  /** When it ended; of one that runs: its last heartbeat. */
  until: string;
  /** Whether it ran with the same parameters. */
  hasParameters: boolean;
}

/** What is to run; `params_hash` null: with parameters that no bot has yet. */
type Planned = Pick<Bot, "strategy" | "version"> & { params_hash: string | null };

/**
 * The run of the same strategy and version that ended last, of bots on accounts without real money: one with the
 * same parameters before all others. Null: there is none.
 */
export function lastPaperRun(bot: Planned, bots: readonly Bot[], environment: (accountId: number) => Environment): PaperRun | null {
  let found: PaperRun | null = null;
  for (const other of bots) {
    const isSame = other.strategy === bot.strategy && other.version === bot.version;
    if (!isSame || other.started_at === null || environment(other.account_id) === "live") continue;
    const ended = isStopped(other) ? other.stopped_at : null;
    const until = ended ?? other.last_heartbeat_at ?? other.started_at;
    const run = { bot: other, until, hasParameters: other.params_hash === bot.params_hash };
    if (found === null || isBetter(run, found)) found = run;
  }
  return found;
}

function isBetter(run: PaperRun, than: PaperRun): boolean {
  return run.hasParameters === than.hasParameters ? run.until > than.until : run.hasParameters;
}
