import type en from "@/locales/en/raw";
import type { Same } from "@/locales/same";

export default {
  details: "Detalles",
  ours: { find: "Buscar nuestra orden", none: "Ninguna orden del gateway con este id en los días de alrededor." },
  kind: "Clase de filas",
  label: { orders: "Órdenes originales", trades: "Ejecuciones originales" },
  text: "Id o estado",
  oneOrder: "Orden original {{id}}",
  oneTrade: "Ejecución original {{id}}",
  changed: "Cambios desde la versión {{id}} de {{time}}",
  empty: {
    orders: "No hay órdenes originales en estos días en {{accounts}}.",
    trades: "No hay ejecuciones originales en estos días en {{accounts}}.",
  },
  stored: "La conciliación guarda lo que responde el exchange. Las claves limitadas a estrategias no ven filas originales.",
  column: {
    observed: "Leída",
    exchange: "Exchange",
    orderId: "Id del exchange",
    clientId: "Id de cliente",
    tradeId: "Id de ejecución",
    type: "Tipo",
    status: "Estado",
    amount: "Cant.",
    filled: "Ejecutado",
    price: "Precio",
    average: "Precio medio",
    cost: "Valor",
    liquidity: "Liquidez",
  },
} satisfies Same<typeof en>;
