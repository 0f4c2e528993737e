// Set online when page gains focus
document.addEventListener('visibilitychange', async () => {
    if (document.hidden) {
        await ws.updatePresence('away', {
            lastMessage: 'Away'
        });
    } else {
        await ws.updatePresence('online');
    }
});

// Set offline before leaving page
window.addEventListener('beforeunload', async () => {
    await ws.updatePresence('offline');
    await ws.disconnect();
});
