import type en from "@/locales/en/strategies";
import type { Same } from "@/locales/same";

export default {
  today: "Resultado de hoje",
  month: "Resultado 30 d",
  open: "Lucro aberto",
  entries: "Novas posições",
  entriesOf: "{{allowed}} de {{count}} contas",
  severalCurrencies: "várias moedas",
  positions: "Posições abertas",
  title: "Estratégias",
  search: "Estratégia",
  empty: "Não há estratégias.",
  kill: "Parar a negociação…",
  name: "Nome",
  status: "Estado",
  state: {
    active: "Ativa",
    disabled: "Desativada",
  },
  clientId: "Número próprio",
  clientIdHint: "Um número dos seus próprios programas, opcional.",
  clientIdBad: "Um número inteiro acima de 0.",
  accounts: "Contas",
  create: {
    title: "Nova estratégia",
    effect: "Cria uma estratégia ativa, à qual ordens em suas contas podem ser atribuídas.",
    action: "Criar estratégia",
    done: "{{name}} foi criada.",
  },
  change: {
    title: "Alterar {{name}}",
    effect: "Ordens, negócios e posições mantêm sua estratégia, também em contas que forem retiradas.",
    action: "Alterar estratégia",
    done: "{{name}} foi alterada.",
  },
  disable: {
    title: "Desativar {{name}}",
    effect: "Ordens que abrem ou aumentam posições de {{name}} são recusadas, em todas as contas. Fechar continua possível.",
    action: "Desativar estratégia",
    done: "{{name}} está desativada.",
  },
  enable: {
    title: "Ativar {{name}}",
    effect: "Ordens de {{name}} são aceitas de novo, em todas as suas contas.",
    action: "Ativar estratégia",
    done: "{{name}} está ativa.",
  },
  switch: {
    title: "Novas posições por conta",
    none: "A estratégia não está em nenhuma conta.",
    yes: "Permitidas",
    no: "Proibidas",
  },
  forbid: {
    title: "Proibir novas posições de {{name}} em {{account}}",
    effect: "Ordens que abrem ou aumentam suas posições nesta conta são recusadas. Fechar continua possível.",
    action: "Proibir",
    done: "Novas posições de {{name}} em {{account}} estão proibidas.",
  },
  allow: {
    title: "Permitir novas posições de {{name}} em {{account}}",
    effect: "Ordens desta estratégia nesta conta são aceitas de novo.",
    action: "Permitir",
    done: "Novas posições de {{name}} em {{account}} estão permitidas.",
  },
} satisfies Same<typeof en>;
