-- Who types where, as of a time in milliseconds: the latest one wins.  The
-- assignments are made in this order, so updated_at comes last.

INSERT INTO websocket_typing_indicators
    (tenant_id, user_id, conversation_id, conversation_type, is_typing,
     started_at, expires_at, created_at, updated_at)
VALUES (:tenant_id, :user_id, :conversation_id, :conversation_type,
    :is_typing,
    FROM_UNIXTIME(:started_at DIV 1000),
    FROM_UNIXTIME(:expires_at DIV 1000),
    FROM_UNIXTIME(:updated_at DIV 1000),
    FROM_UNIXTIME(:updated_at DIV 1000))
ON DUPLICATE KEY UPDATE
    conversation_type = IF(VALUES(updated_at) < updated_at,
        conversation_type, VALUES(conversation_type)),
    is_typing = IF(VALUES(updated_at) < updated_at,
        is_typing, VALUES(is_typing)),
    started_at = IF(VALUES(updated_at) < updated_at,
        started_at, VALUES(started_at)),
    expires_at = IF(VALUES(updated_at) < updated_at,
        expires_at, VALUES(expires_at)),
    updated_at = IF(VALUES(updated_at) < updated_at,
        updated_at, VALUES(updated_at))
