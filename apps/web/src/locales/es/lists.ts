import type en from "@/locales/en/lists";
import type { Same } from "@/locales/same";

export default {
  readOnly: "Los cambios se hacen en una pantalla más grande.",
  views: {
    label: "Vistas guardadas",
    edit: "Guardar esta vista…",
    text: "Guarda filtros, columnas, orden y grupos de esta lista en su perfil.",
    name: "Nombre",
    save: "Guardar",
    replace: "Reemplazar",
    remove: "Quitar {{name}}",
    full: "Hay {{count}} vistas: quite una antes.",
  },
} satisfies Same<typeof en>;
