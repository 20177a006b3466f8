import type en from "@/locales/en/dashboard";
import type { Same } from "@/locales/same";

export default {
  days: "{{start}} – {{end}} {{zone}}",
  noAccounts: "Nenhuma conta que você possa ler está selecionada.",
  noStrategy: "Sem estratégia",
  noneClosed: "Nenhuma posição foi fechada nestes dias.",
  groupNote_one: "{{count}} posição fechada",
  groupNote_other: "{{count}} posições fechadas",
  sample_one: "de {{count}} posição",
  sample_other: "de {{count}} posições",
  smallSample_one: "apenas {{count}} posição",
  smallSample_other: "apenas {{count}} posições",
  severalCurrencies: "várias moedas",
  ofClosed: "das posições fechadas",
  missingRates: "sem cotação de {{currencies}}",
  net: "líquida {{value}}",
  order: { label: "Ordem", result: "Por resultado", positions: "Por posições" },
  tile: {
    today: "Resultado de hoje",
    gross: "Exposição bruta",
    orders: "Ordens abertas",
    rejected: "Rejeitadas hoje",
    equity: "Patrimônio agora",
    unrealized: "Lucro não realizado",
    exposure: "Valor de mercado",
    result: "Resultado, sem taxas",
    fees: "Taxas",
    winRate: "Taxa de acerto",
    profitFactor: "Fator de lucro",
    drawdown: "Rebaixamento máx.",
  },
  equity: {
    title: "Patrimônio",
    drawdown: "Rebaixamento",
    choice: "Conta ou estratégia",
    results: "Resultados",
    strategy: "Resultados de {{name}}, {{currency}}",
    empty: "Não há histórico de patrimônio nestes dias.",
    restricted: "Esta chave está restrita a estratégias. O patrimônio é da conta inteira; um administrador pode retirar a restrição.",
  },
  strategies: {
    title: "Resultado por estratégia",
  },
  symbols: {
    title: "Melhores e piores símbolos",
  },
  calendar: {
    title: "Resultado por dia (UTC)",
    label: "Resultado de cada dia",
    none: "{{day}}: nada fechado",
    day: "{{day}}: {{result}}, {{count}} fechadas",
  },
  deals: {
    title: "Últimas execuções",
    empty: "Ainda não há execuções.",
  },
} satisfies Same<typeof en>;
