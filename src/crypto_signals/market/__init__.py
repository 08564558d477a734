"""Bars: from files and services, checked before anyone looks at them; and the calendars of their venues."""
