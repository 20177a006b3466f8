import type en from "@/locales/en/admin";
import type { Same } from "@/locales/same";

export default {
  system: {
    good: "Tudo bem",
    stale: "Desatualizado: o gateway não responde",
    warning: {
      degraded: "O gateway está degradado",
      noWorker: "Nenhum worker está em execução",
      workerLate: "Um worker está atrasado",
      outboxLate: "Os eventos estão atrasados",
      ordersUnknown: "Ordens de resultado desconhecido",
      calendar: "O calendário de negociação termina em breve ou falta",
    },
    pause: "Pausar",
    resume: "Continuar",
    version: "Versão",
    requests: "Pedidos",
    errors_one: "{{count}} erro",
    errors_other: "{{count}} erros",
    started: "Em execução desde",
    waiting: "Comandos em espera",
    wait95: "Espera, 95 %",
    execute95: "Execução, 95 %",
    outbox: "Atraso dos eventos",
    unknown: "Ordens de resultado desconhecido",
    workers: "Workers",
    seconds: "há {{count}} s",
    column: { worker: "Worker", host: "Host", heartbeat: "Sinal de vida", accounts: "Contas", waiting: "Em espera", running: "Em execução" },
    raw: "Dados brutos",
  },
} satisfies Same<typeof en>;
