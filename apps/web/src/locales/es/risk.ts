import type en from "@/locales/en/risk";
import type { Same } from "@/locales/same";

export default {
  tab: { label: "Partes de riesgo", switches: "Interruptores y cuentas", limits: "Límites", breaches: "Incumplimientos", keys: "Claves de API" },
  column: {
    exchange: "Bolsa",
    mode: "Modo de posición",
    status: "Estado",
    allowed: "Nuevas posiciones",
    equity: "Patrimonio",
    exposure: "Exposición",
    limit: "Límite más usado",
    quarantine: "Cuarentena",
  },
  status: {
    active: "Activa",
    blocked: "Bloqueada",
  },
  allowed: {
    yes: "Permitidas",
    no: "Prohibidas",
  },
  menu: {
    limits: "Límites y uso",
  },
  accounts: {
    title: "Cuentas",
    empty: "No hay cuentas seleccionadas.",
  },
  switch: {
    block: {
      menu: "Bloquear…",
      title: "Bloquear una cuenta",
      effect: "Bloquea {{account}}: se rechaza toda orden nueva. Cerrar y cancelar siguen siendo posibles.",
      action: "Bloquear",
      done: "{{account}} está bloqueada.",
    },
    unblock: {
      menu: "Activar…",
      title: "Activar una cuenta",
      effect: "Activa {{account}}: se aceptan órdenes de nuevo.",
      action: "Activar",
      done: "{{account}} está activa.",
    },
    forbid: {
      menu: "Prohibir nuevas posiciones…",
      title: "Prohibir nuevas posiciones",
      effect: "Prohíbe nuevas posiciones en {{account}}. Las abiertas aún pueden cerrarse.",
      action: "Prohibir",
      done: "{{account}} no abre nuevas posiciones.",
    },
    allow: {
      menu: "Permitir nuevas posiciones…",
      title: "Permitir nuevas posiciones",
      effect: "Permite de nuevo nuevas posiciones en {{account}}.",
      action: "Permitir",
      done: "{{account}} puede abrir posiciones.",
    },
  },
  kill: {
    title: "Parada de emergencia",
    engage: "Detener operaciones",
    none: "Ninguna parada de emergencia está activa.",
    since: "desde {{time}} por {{who}}",
    release: "Liberar",
    releaseTitle: "Liberar una parada de emergencia",
    releaseEffect: "Libera la parada de {{scope}}: las operaciones continúan.",
    released: "La parada de emergencia fue liberada.",
    mode: {
      reduce_only: "Solo cerrar",
      cancel_only: "Solo cancelar",
      halt: "Todo detenido",
    },
    scope: {
      global: "Todas las cuentas",
      account: "Cuenta",
      strategy: "Estrategia",
      symbol: "Símbolo",
      key: "Clave de API",
    },
  },
  limits: {
    title: "Límites de {{account}}",
    none: "No hay límites definidos.",
    setBy: "definido por {{who}}, {{time}}",
    tripped: "alcanzado {{time}}",
    scope: {
      global: "Todas las cuentas",
      account: "Cuenta",
      strategy: "Estrategia",
    },
  },
  breaches: {
    title: "Rechazadas por el gateway",
    empty: "Ningún límite, interruptor ni bloqueo rechazó una orden en estos días en {{accounts}}.",
    reached: "Límites alcanzados ahora",
    reachedNow: "Alcanzado",
    rule: "Regla",
    limit: "Límite",
    value: "Medido",
    message: "Mensaje del gateway",
  },
  audit: {
    title: "Registro de auditoría",
    empty: "No hay cambios registrados.",
    actor: "Quién",
    action: "Acción",
    entity: "Qué",
    comment: "Comentario",
    ip: "Dirección",
  },
} satisfies Same<typeof en>;
