const ws = new WebSocketClient({
    heartbeatInterval: 15000, // 15 seconds instead of 30
});
