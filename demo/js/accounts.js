// The demo accounts, as accounts.sql has them. In an application the token
// comes with the page or from the log-in, never from a script that is public.

export const accounts = [
  { id: 1, tenant: 1, name: 'John Doe', token: '1|demo-token-john' },
  { id: 2, tenant: 1, name: 'Jane Smith', token: '2|demo-token-jane' },
  { id: 3, tenant: 1, name: 'Ada Park', token: '3|demo-token-ada' },
  {
    id: 4, tenant: 2, name: 'Eve Outsider', token: '4|demo-token-eve',
    note: 'of another club: she sees none of the others',
  },
  {
    id: 5, tenant: 1, name: 'Max Limited', token: '5|demo-token-max',
    note: 'may neither announce nor notify',
  },
];

export const channels = ['group.events.2', 'group.lunch'];
