import type en from "@/locales/en/lists";
import type { Same } from "@/locales/same";

export default {
  readOnly: "Mudanças são feitas em uma tela maior.",
  views: {
    label: "Visões salvas",
    edit: "Salvar esta visão…",
    text: "Guarda filtros, colunas, ordem e grupos desta lista no seu perfil.",
    name: "Nome",
    save: "Salvar",
    replace: "Substituir",
    remove: "Remover {{name}}",
    full: "Há {{count}} visões: remova uma antes.",
  },
} satisfies Same<typeof en>;
