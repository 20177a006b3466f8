import type en from "@/locales/en/raw";
import type { Same } from "@/locales/same";

export default {
  details: "Detalhes",
  ours: { find: "Encontrar nossa ordem", none: "Nenhuma ordem do gateway com este id nos dias em volta." },
  kind: "Tipo de linhas",
  label: { orders: "Ordens originais", trades: "Execuções originais" },
  text: "Id ou estado",
  oneOrder: "Ordem original {{id}}",
  oneTrade: "Execução original {{id}}",
  changed: "Mudanças desde a versão {{id}} de {{time}}",
  empty: {
    orders: "Nenhuma ordem original nestes dias em {{accounts}}.",
    trades: "Nenhuma execução original nestes dias em {{accounts}}.",
  },
  stored: "A reconciliação guarda o que a exchange responde. Chaves limitadas a estratégias não veem linhas originais.",
  column: {
    observed: "Lida em",
    exchange: "Exchange",
    orderId: "Id na exchange",
    clientId: "Id do cliente",
    tradeId: "Id da execução",
    type: "Tipo",
    status: "Estado",
    amount: "Qtd.",
    filled: "Executado",
    price: "Preço",
    average: "Preço médio",
    cost: "Valor",
    liquidity: "Liquidez",
  },
} satisfies Same<typeof en>;
