/** Bots: strategies that the runner runs on closed candles. */
import { useQuery } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];

export type Bot = Schemas["Bot"];
export type BotEvent = Schemas["BotEvent"];
export type BotFigures = Schemas["BotFigures"];
export type NewBot = Schemas["NewBot"];

export const BOTS_QUERY = ["bots"] as const;
const REFRESH_MS = 5000;
const FIGURES_REFRESH_MS = 15_000;

/** The bots of the accounts that the user reads; heartbeats age, so they are read again. */
export function useBots() {
  return useQuery({
    queryKey: BOTS_QUERY,
    queryFn: async (): Promise<Bot[]> => (await call(api.GET("/bots"))).items,
    refetchInterval: REFRESH_MS,
  });
}

/** Results of today, errors, the last signal and balances, by the id of the bot. */
export function useBotFigures() {
  return useQuery({
    queryKey: [...BOTS_QUERY, "figures"],
    queryFn: async (): Promise<ReadonlyMap<number, BotFigures>> => {
      const { items } = await call(api.GET("/bots/figures"));
      return new Map(items.map((row) => [row.bot_id, row]));
    },
    refetchInterval: FIGURES_REFRESH_MS,
  });
}

const EVENTS = 100;

/** The newest of a bot's history. */
export function useBotEvents(id: number) {
  return useQuery({
    queryKey: [...BOTS_QUERY, id, "events"],
    queryFn: async (): Promise<BotEvent[]> =>
      (await call(api.GET("/bots/{bot_id}/events", { params: { path: { bot_id: id }, query: { limit: EVENTS } } }))).items,
    refetchInterval: REFRESH_MS,
  });
}

export async function createBot(body: NewBot): Promise<Bot> {
  return call(api.POST("/bots", { body }));
}

/** Change a bot that is stopped. Throws `ApiError`. */
export async function changeBot(id: number, body: Schemas["BotChange"]): Promise<void> {
  await call(api.PATCH("/bots/{bot_id}", { params: { path: { bot_id: id } }, body }));
}

export async function startBot(id: number): Promise<void> {
  await call(api.POST("/bots/{bot_id}/start", { params: { path: { bot_id: id } } }));
}

/** Restart a bot, with what changes. Throws `ApiError`. */
export async function restartBot(id: number, body: Schemas["BotRestart"]): Promise<void> {
  await call(api.POST("/bots/{bot_id}/restart", { params: { path: { bot_id: id } }, body }));
}

/** Stop: with its positions kept, or closed before. Throws `ApiError`. */
export async function stopBot(id: number, positions: "keep" | "flatten"): Promise<void> {
  await call(api.POST("/bots/{bot_id}/stop", { params: { path: { bot_id: id } }, body: { positions } }));
}

export async function deleteBot(id: number): Promise<void> {
  await call(api.DELETE("/bots/{bot_id}", { params: { path: { bot_id: id } } }));
}

export function isStopped({ status }: Bot): boolean {
  return status === "idle" || status === "stopped" || status === "error";
}
