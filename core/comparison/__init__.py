"""Many runs side by side: what each was told and measured, filtered, grouped, aligned and compared."""
