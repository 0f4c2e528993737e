// What the guide's snippets, which lie here as they are printed, need to run
// in a browser. Each must be found, or the test fails.

export const placeholders = {
  "{{ asset('js/websocket-client.js') }}": '/js/websocket-client.js',
};

export const corrections = [
  {
    file: 'step-4.html',
    why: 'a browser has no process.env; the page comes from the same server',
    from: 'io(process.env.VUE_APP_SOCKET_SERVER_URL)',
    to: 'io()',
  },
  {
    file: 'chat.html',
    why: 'a browser has no process.env; the page comes from the same server',
    from: 'io(process.env.VITE_SOCKET_SERVER_URL)',
    to: 'io()',
  },
  {
    file: 'chat.html',
    why: 'currentConversation is an object with userId and id, or null',
    from: 'data.conversationId === currentConversation)',
    to: 'data.conversationId === currentConversation?.id)',
  },
  {
    file: 'chat.html',
    why: 'the same; and the indicator has to go away again',
    from: `if (data.conversationId === currentConversation && data.isTyping) {
        showTypingIndicator(data.userId);
    }`,
    to: `if (data.conversationId === currentConversation?.id) {
        if (data.isTyping) {
            showTypingIndicator(data.userId);
        } else {
            document.getElementById('typing-indicator').textContent = '';
        }
    }`,
  },
  {
    file: 'chat.html',
    why: 'without a conversation there is nobody to send to',
    from: "value;\n\n    socket.emit('message:direct'",
    to: "value;\n    if (!currentConversation) return;\n\n"
      + "    socket.emit('message:direct'",
  },
  {
    file: 'chat.html',
    why: 'updateUserStatus() looks for data-user-id; names may hold HTML',
    from: `container.innerHTML = users.map(user => \`
        <div class="user \${user.status}">
            <span>\${user.name}</span>
            <span class="status">\${user.display_status}</span>
        </div>
    \`).join('');`,
    to: `container.replaceChildren(...users.map(user => {
        const userEl = document.createElement('div');
        userEl.className = \`user \${user.status}\`;
        userEl.dataset.userId = user.user_id;
        const status = document.createElement('span');
        status.className = 'status';
        status.textContent = user.display_status;
        userEl.append(user.name, ' ', status);
        return userEl;
    }));`,
  },
  {
    file: 'chat.html',
    why: 'a message may hold HTML',
    from: 'msgEl.innerHTML = `<strong>${userId}</strong>: ${message}`;',
    to: `const sender = document.createElement('strong');
    sender.textContent = userId;
    msgEl.append(sender, \`: \${message}\`);`,
  },
  {
    file: 'batching.js',
    why: 'it assigns to a constant',
    from: 'const typingQueue = [];',
    to: 'let typingQueue = [];',
  },
];
