"""One module a verb: each joins the ports and the rules, and owns no rule and no API call."""
