"""identity: people, stores, licences, sessions and the notification inbox."""
