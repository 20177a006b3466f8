import type en from "@/locales/en/account";
import type { Same } from "@/locales/same";

export default {
  keys: {
    title: "Chaves de API",
    search: "Chave ou usuário",
    empty: "Não há chaves de API.",
    label: "Rótulo",
    user: "Usuário",
    role: "Papel",
    prefix: "Começa com",
    status: "Estado",
    state: { active: "Ativa", disabled: "Desativada" },
    lastUsed: "Último uso",
    lastIp: "De",
    created: "Criada",
    expires: "Expira",
    term: { never: "Nunca", "30": "Em 30 dias", "90": "Em 90 dias", "365": "Em um ano" },
    addresses: "Endereços permitidos",
    addressesHint: "Endereços IP ou redes, separados por vírgulas. Vazio: qualquer um.",
    create: {
      title: "Nova chave de API",
      effect: "Cria uma chave. O texto dela é mostrado uma única vez. Ela começa sem permissões em contas.",
      action: "Criar chave",
    },
    secret: {
      title: "Chave de API {{id}}",
      once: "Guarde esta chave agora. Ela não pode ser mostrada de novo.",
      lost: "O gateway informa o texto de uma chave uma única vez, e esta resposta não o contém. Desative a chave e crie outra.",
      copy: "Copiar chave",
      copied: "Copiada",
      saved: "Eu a guardei",
      noRights: "Um administrador concede à chave permissões em contas.",
    },
    disable: {
      title: "Desativar a chave {{name}}",
      effect: "Pedidos com esta chave de {{user}} são recusados imediatamente, e suas sessões terminam. Ela pode ser reativada.",
      action: "Desativar chave",
      done: "A chave {{name}} está desativada.",
      own: "Você está usando esta chave: sua sessão termina.",
    },
    enable: {
      title: "Ativar a chave {{name}}",
      effect: "Pedidos com esta chave de {{user}} voltam a ser aceitos, com as permissões que ela tinha.",
      action: "Ativar chave",
      done: "A chave {{name}} está ativa.",
    },
  },
} satisfies Same<typeof en>;
