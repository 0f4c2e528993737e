// Batch typing events to avoid too many updates
const typingQueue = [];
const typingBatchInterval = 500; // ms

function recordTyping(conversationId, isTyping) {
    typingQueue.push({ conversationId, isTyping });
}

setInterval(() => {
    if (typingQueue.length > 0) {
        // Send all typing events in one request
        typingQueue.forEach(item => {
            ws.recordTyping(item.conversationId, item.isTyping);
        });
        typingQueue = [];
    }
}, typingBatchInterval);
