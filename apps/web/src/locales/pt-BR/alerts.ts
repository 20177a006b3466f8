export default {
  label: "Alertas de preço",
  created: "Criado",
  condition: "Condição",
  price: "Preço",
  note: "Nota",
  conditions: {
    above: "Em ou acima de",
    below: "Em ou abaixo de",
    crosses: "Cruza",
  },
  now: "Agora {{price}}",
  some: "São mostrados os alertas das primeiras {{count}} contas em vista.",
  empty: "Nenhum alerta de preço.",
  emptyHint: "Um alerta diz uma vez que um preço foi atingido, aqui e aos destinos. Não negocia nada.",
  create: {
    title: "Novo alerta de preço",
    effect: "Dispara uma vez e não negocia nada.",
    action: "Criar o alerta",
    done: "O alerta em {{symbol}} foi criado.",
  },
  remove: {
    action: "Remover",
    title: "Remover o alerta em {{symbol}}",
    effect: "Não dispara mais.",
    done: "O alerta foi removido.",
  },
};
