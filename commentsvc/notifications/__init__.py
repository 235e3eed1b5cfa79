"""Notifications: who hears of what, and emails as rows that are rendered when they are sent."""
