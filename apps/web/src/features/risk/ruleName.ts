import { useCallback } from "react";
import type { Order } from "@/api/types";
import { useRefusalWord } from "@/app/codes";
import { useLimitName } from "@/app/limitNames";
import { failedLimit } from "@/features/risk/breaches";

/** The words for what refused an order: the limit by its name, else the reason. */
export function useRuleName(): (order: Pick<Order, "risk_detail" | "risk_code" | "reject_code">) => string {
  const limitName = useLimitName();
  const refusal = useRefusalWord();
  return useCallback(
    (order) => {
      const limit = failedLimit(order);
      return limit === undefined ? refusal(order.risk_code ?? order.reject_code ?? "") : limitName(limit.key);
    },
    [limitName, refusal],
  );
}
