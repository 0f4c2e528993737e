// Subscribe to personal notifications
await ws.subscribe('user:me');

// Subscribe to group messages
await ws.subscribe('group.events.2');

// Subscribe to broadcast messages
await ws.subscribe('broadcast');
