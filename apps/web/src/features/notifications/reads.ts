/** Sinks: receivers of messages, and what became of the messages. */
import { useQuery } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];

export type Sink = Schemas["Sink"];
export type Delivery = Schemas["Delivery"];
export type SinkKind = Sink["kind"];

export const SINKS_QUERY = ["sinks"] as const;

export function useSinks() {
  return useQuery({
    queryKey: SINKS_QUERY,
    queryFn: async (): Promise<Sink[]> => (await call(api.GET("/notifications/sinks"))).items,
    refetchInterval: 10_000,
  });
}

/** Create a sink; its address and secret are in no answer. Throws `ApiError`. */
export async function createSink(body: Schemas["NewSink"]): Promise<void> {
  await call(api.POST("/notifications/sinks", { body }));
}

/** Change the given fields of a sink. Throws `ApiError`. */
export async function changeSink(sink: Sink, body: Schemas["SinkChange"]): Promise<void> {
  await call(api.PATCH("/notifications/sinks/{sink_id}", { params: { path: { sink_id: sink.id } }, body }));
}

/** Queue a test message. Throws `ApiError`. */
export async function testSink(sink: Sink): Promise<void> {
  await call(api.POST("/notifications/sinks/{sink_id}/test", { params: { path: { sink_id: sink.id } } }));
}

/** The newest messages of a sink. */
export function useDeliveries(sink: Sink) {
  return useQuery({
    queryKey: [...SINKS_QUERY, sink.id, "deliveries"],
    queryFn: async (): Promise<Delivery[]> =>
      (await call(api.GET("/notifications/deliveries", { params: { query: { sink_id: sink.id } } }))).items,
    refetchInterval: 5_000,
  });
}

/** Send a message again that has arrived or was given up. Throws `ApiError`. */
export async function redeliver(delivery: Delivery): Promise<void> {
  const params = { path: { delivery_id: delivery.id } };
  await call(api.POST("/notifications/deliveries/{delivery_id}/redeliver", { params }));
}
