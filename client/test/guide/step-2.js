// Connection established
ws.on('connected', (data) => {
    console.log('Connected to WebSocket:', data);
});

// Connection lost
ws.on('disconnected', () => {
    console.log('Disconnected from WebSocket');
});

// Subscription successful
ws.on('subscribed', (data) => {
    console.log('Subscribed to channel:', data.channel);
});

// Maximum reconnection attempts reached
ws.on('max-reconnect-attempts-reached', () => {
    console.error('Failed to reconnect to WebSocket after max attempts');
});

// Heartbeat (stats update)
ws.on('heartbeat', (stats) => {
    console.log('WebSocket stats:', stats);
});
