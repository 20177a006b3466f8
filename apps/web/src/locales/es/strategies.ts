import type en from "@/locales/en/strategies";
import type { Same } from "@/locales/same";

export default {
  today: "Resultado de hoy",
  month: "Resultado 30 d",
  open: "Ganancia abierta",
  entries: "Posiciones nuevas",
  entriesOf: "{{allowed}} de {{count}} cuentas",
  severalCurrencies: "varias monedas",
  positions: "Posiciones abiertas",
  title: "Estrategias",
  search: "Estrategia",
  empty: "No hay estrategias.",
  kill: "Detener la operativa…",
  name: "Nombre",
  status: "Estado",
  state: {
    active: "Activa",
    disabled: "Desactivada",
  },
  clientId: "Número propio",
  clientIdHint: "Un número de sus propios programas, opcional.",
  clientIdBad: "Un número entero mayor que 0.",
  accounts: "Cuentas",
  create: {
    title: "Nueva estrategia",
    effect: "Crea una estrategia activa, a la que se pueden atribuir órdenes en sus cuentas.",
    action: "Crear estrategia",
    done: "{{name}} se ha creado.",
  },
  change: {
    title: "Cambiar {{name}}",
    effect: "Las órdenes, operaciones y posiciones mantienen su estrategia, también en cuentas que se quiten.",
    action: "Cambiar estrategia",
    done: "{{name}} ha cambiado.",
  },
  disable: {
    title: "Desactivar {{name}}",
    effect: "Las órdenes que abren o aumentan posiciones de {{name}} se rechazan, en todas las cuentas. Cerrar sigue siendo posible.",
    action: "Desactivar estrategia",
    done: "{{name}} está desactivada.",
  },
  enable: {
    title: "Activar {{name}}",
    effect: "Las órdenes de {{name}} se aceptan de nuevo, en todas sus cuentas.",
    action: "Activar estrategia",
    done: "{{name}} está activa.",
  },
  switch: {
    title: "Nuevas posiciones por cuenta",
    none: "La estrategia no está en ninguna cuenta.",
    yes: "Permitidas",
    no: "Prohibidas",
  },
  forbid: {
    title: "Prohibir nuevas posiciones de {{name}} en {{account}}",
    effect: "Las órdenes que abren o aumentan sus posiciones en esta cuenta se rechazan. Cerrar sigue siendo posible.",
    action: "Prohibir",
    done: "Las nuevas posiciones de {{name}} en {{account}} están prohibidas.",
  },
  allow: {
    title: "Permitir nuevas posiciones de {{name}} en {{account}}",
    effect: "Las órdenes de esta estrategia en esta cuenta se aceptan de nuevo.",
    action: "Permitir",
    done: "Las nuevas posiciones de {{name}} en {{account}} están permitidas.",
  },
} satisfies Same<typeof en>;
