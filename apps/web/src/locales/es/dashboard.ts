import type en from "@/locales/en/dashboard";
import type { Same } from "@/locales/same";

export default {
  days: "{{start}} – {{end}} {{zone}}",
  noAccounts: "No hay ninguna cuenta seleccionada que pueda leer.",
  noStrategy: "Sin estrategia",
  noneClosed: "No se cerró ninguna posición en estos días.",
  groupNote_one: "{{count}} posición cerrada",
  groupNote_other: "{{count}} posiciones cerradas",
  sample_one: "de {{count}} posición",
  sample_other: "de {{count}} posiciones",
  smallSample_one: "solo {{count}} posición",
  smallSample_other: "solo {{count}} posiciones",
  severalCurrencies: "varias monedas",
  ofClosed: "de las posiciones cerradas",
  missingRates: "sin cotización de {{currencies}}",
  net: "neta {{value}}",
  order: { label: "Orden", result: "Por resultado", positions: "Por posiciones" },
  tile: {
    today: "Resultado de hoy",
    gross: "Exposición bruta",
    orders: "Órdenes abiertas",
    rejected: "Rechazadas hoy",
    equity: "Patrimonio ahora",
    unrealized: "Ganancia no realizada",
    exposure: "Valor de mercado",
    result: "Resultado, sin comisiones",
    fees: "Comisiones",
    winRate: "Tasa de acierto",
    profitFactor: "Factor de ganancia",
    drawdown: "Caída máx.",
  },
  equity: {
    title: "Patrimonio",
    drawdown: "Caída",
    choice: "Cuenta o estrategia",
    results: "Resultados",
    strategy: "Resultados de {{name}}, {{currency}}",
    empty: "No hay historial de patrimonio en estos días.",
    restricted: "Esta clave está restringida a estrategias. El patrimonio es de toda la cuenta; un administrador puede quitar la restricción.",
  },
  strategies: {
    title: "Resultado por estrategia",
  },
  symbols: {
    title: "Mejores y peores símbolos",
  },
  calendar: {
    title: "Resultado por día (UTC)",
    label: "Resultado de cada día",
    none: "{{day}}: nada cerrado",
    day: "{{day}}: {{result}}, {{count}} cerradas",
  },
  deals: {
    title: "Últimas ejecuciones",
    empty: "Aún no hay ejecuciones.",
  },
} satisfies Same<typeof en>;
