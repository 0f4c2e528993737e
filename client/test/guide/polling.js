// If you prefer pure REST polling instead of Socket.io
setInterval(async () => {
    const onlineUsers = await ws.getOnlineUsers();
    updateOnlineUsersList(onlineUsers);
}, 10000); // Poll every 10 seconds
