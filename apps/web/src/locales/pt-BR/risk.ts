import type en from "@/locales/en/risk";
import type { Same } from "@/locales/same";

export default {
  tab: { label: "Partes do risco", switches: "Interruptores e contas", limits: "Limites", breaches: "Violações", keys: "Chaves de API" },
  column: {
    exchange: "Corretora",
    mode: "Modo de posição",
    status: "Estado",
    allowed: "Novas posições",
    equity: "Patrimônio",
    exposure: "Exposição",
    limit: "Limite mais usado",
    quarantine: "Quarentena",
  },
  status: {
    active: "Ativa",
    blocked: "Bloqueada",
  },
  allowed: {
    yes: "Permitidas",
    no: "Proibidas",
  },
  menu: {
    limits: "Limites e uso",
  },
  accounts: {
    title: "Contas",
    empty: "Nenhuma conta selecionada.",
  },
  switch: {
    block: {
      menu: "Bloquear…",
      title: "Bloquear uma conta",
      effect: "Bloqueia {{account}}: toda nova ordem é recusada. Fechar e cancelar continuam possíveis.",
      action: "Bloquear",
      done: "{{account}} está bloqueada.",
    },
    unblock: {
      menu: "Ativar…",
      title: "Ativar uma conta",
      effect: "Ativa {{account}}: ordens voltam a ser aceitas.",
      action: "Ativar",
      done: "{{account}} está ativa.",
    },
    forbid: {
      menu: "Proibir novas posições…",
      title: "Proibir novas posições",
      effect: "Proíbe novas posições em {{account}}. As abertas ainda podem ser fechadas.",
      action: "Proibir",
      done: "{{account}} não abre novas posições.",
    },
    allow: {
      menu: "Permitir novas posições…",
      title: "Permitir novas posições",
      effect: "Permite novamente novas posições em {{account}}.",
      action: "Permitir",
      done: "{{account}} pode abrir posições.",
    },
  },
  kill: {
    title: "Parada de emergência",
    engage: "Parar negociação",
    none: "Nenhuma parada de emergência está ativa.",
    since: "desde {{time}} por {{who}}",
    release: "Liberar",
    releaseTitle: "Liberar uma parada de emergência",
    releaseEffect: "Libera a parada de {{scope}}: a negociação continua.",
    released: "A parada de emergência foi liberada.",
    mode: {
      reduce_only: "Somente fechar",
      cancel_only: "Somente cancelar",
      halt: "Tudo parado",
    },
    scope: {
      global: "Todas as contas",
      account: "Conta",
      strategy: "Estratégia",
      symbol: "Símbolo",
      key: "Chave de API",
    },
  },
  limits: {
    title: "Limites de {{account}}",
    none: "Nenhum limite definido.",
    setBy: "definido por {{who}}, {{time}}",
    tripped: "atingido {{time}}",
    scope: {
      global: "Todas as contas",
      account: "Conta",
      strategy: "Estratégia",
    },
  },
  breaches: {
    title: "Recusadas pelo gateway",
    empty: "Nenhum limite, interruptor ou bloqueio recusou uma ordem nestes dias em {{accounts}}.",
    reached: "Limites atingidos agora",
    reachedNow: "Atingido",
    rule: "Regra",
    limit: "Limite",
    value: "Medido",
    message: "Mensagem do gateway",
  },
  audit: {
    title: "Registro de auditoria",
    empty: "Nenhuma alteração registrada.",
    actor: "Quem",
    action: "Ação",
    entity: "O quê",
    comment: "Comentário",
    ip: "Endereço",
  },
} satisfies Same<typeof en>;
