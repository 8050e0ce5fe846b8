"""The board: a page, a notebook widget and an offline file on which a run can be watched, stopped and questioned."""
