import type en from "@/locales/en/reassign";
import type { Same } from "@/locales/same";

export default {
  label: "Órdenes por reasignar",
  empty: "No hay órdenes sin estrategia en estos días en {{accounts}}.",
  details: "Detalles",
  one: "Reasignar…",
  many: "Reasignar {{count}}…",
  from: "Estrategia",
  none: "Sin estrategia",
  title_one: "Reasignar {{count}} orden",
  title_other: "Reasignar {{count}} órdenes",
  effect: "Mueve las órdenes con sus operaciones y posiciones. Las posiciones de sus símbolos se calculan de nuevo. No se envía ninguna orden.",
  action: "Reasignar",
  strategy: "A la estrategia",
  position: "A la posición",
  choose: "Elija una estrategia",
  byMode: "Según el modo de posición",
  noStrategy: "Ninguna estrategia activa está unida a todas las cuentas de estas órdenes.",
  preview: "Lo que se mueve",
  more: "Se mueven también otras operaciones.",
  results: "Resultado del cambio",
  moved: "Órdenes movidas: {{orders}}, operaciones movidas: {{deals}}, a {{strategy}}",
  column: { what: "Qué", symbol: "Símbolo", qty: "Ejecutado", strategy: "Estrategia", position: "Posición" },
  kind: { order: "Orden {{id}}", deal: "Operación {{id}}" },
} satisfies Same<typeof en>;
