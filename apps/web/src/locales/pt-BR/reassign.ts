import type en from "@/locales/en/reassign";
import type { Same } from "@/locales/same";

export default {
  label: "Ordens a reatribuir",
  empty: "Nenhuma ordem sem estratégia nestes dias em {{accounts}}.",
  details: "Detalhes",
  one: "Reatribuir…",
  many: "Reatribuir {{count}}…",
  from: "Estratégia",
  none: "Sem estratégia",
  title_one: "Reatribuir {{count}} ordem",
  title_other: "Reatribuir {{count}} ordens",
  effect: "Move as ordens com suas negociações e posições. As posições dos seus símbolos são calculadas de novo. Nenhuma ordem é enviada.",
  action: "Reatribuir",
  strategy: "Para a estratégia",
  position: "Para a posição",
  choose: "Escolha uma estratégia",
  byMode: "Pelo modo de posição",
  noStrategy: "Nenhuma estratégia ativa está ligada a todas as contas destas ordens.",
  preview: "O que se move",
  more: "Outras negociações também se movem.",
  results: "Resultado da mudança",
  moved: "Ordens movidas: {{orders}}, negociações movidas: {{deals}}, para {{strategy}}",
  column: { what: "O quê", symbol: "Símbolo", qty: "Executado", strategy: "Estratégia", position: "Posição" },
  kind: { order: "Ordem {{id}}", deal: "Negociação {{id}}" },
} satisfies Same<typeof en>;
