import 'holdfast/element';

const guest = document.querySelector('holdfast-guest');
guest?.addEventListener('ready', ({ detail: machine }) => {
  document.body.classList.add('ready');
  document.body.dataset.runstate = machine.status?.runstate;
});
