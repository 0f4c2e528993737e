// Only load presence for visible users in UI
const visibleUserIds = getVisibleUserIds();

Promise.all(visibleUserIds.map(id => ws.getPresence(id)))
    .then(presences => updateUI(presences));
