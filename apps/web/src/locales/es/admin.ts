import type en from "@/locales/en/admin";
import type { Same } from "@/locales/same";

export default {
  system: {
    good: "Todo bien",
    stale: "Sin actualizar: el gateway no responde",
    warning: {
      degraded: "El gateway está degradado",
      noWorker: "No hay ningún worker en marcha",
      workerLate: "Un worker va con retraso",
      outboxLate: "Los eventos van con retraso",
      ordersUnknown: "Órdenes de resultado desconocido",
      calendar: "El calendario de negociación termina pronto o falta",
    },
    pause: "Pausar",
    resume: "Continuar",
    version: "Versión",
    requests: "Peticiones",
    errors_one: "{{count}} error",
    errors_other: "{{count}} errores",
    started: "En marcha desde",
    waiting: "Comandos en espera",
    wait95: "Espera, 95 %",
    execute95: "Ejecución, 95 %",
    outbox: "Retraso de los eventos",
    unknown: "Órdenes de resultado desconocido",
    workers: "Workers",
    seconds: "hace {{count}} s",
    column: { worker: "Worker", host: "Host", heartbeat: "Señal de vida", accounts: "Cuentas", waiting: "En espera", running: "En ejecución" },
    raw: "Datos sin procesar",
  },
} satisfies Same<typeof en>;
