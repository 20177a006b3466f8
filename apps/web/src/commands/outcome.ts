/** The end of a command whose request was answered before it ended. */
import { ApiError } from "@/api/errors";
import { api, call } from "@/api/client";
import type { Command } from "@/api/types";

const WAIT_MS = 10_000;
const ROUNDS = 6;

/**
 * The command once it is done. Throws `ApiError` if it failed or was refused, and with the outcome
 * `unknown` if it has not ended within a minute.
 */
export async function commandDone(commandId: number): Promise<Command> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const params = { path: { command_id: commandId }, query: { wait_ms: WAIT_MS } };
    const command = (await call(api.GET("/oms/commands/{command_id}", { params }))) as Command;
    if (command.status === "done") return command;
    if (command.status === "failed" || command.status === "refused" || command.status === "unknown") {
      throw new ApiError(409, command.error ?? {});
    }
  }
  throw new ApiError(202, { code: "timeout", outcome: "unknown" });
}
