/** Prompt of the small Linux guest. */

export const promptText = 'holdfast:~# ';

/** On its serial console. */
export const prompt = /holdfast:~# /;

/** On its screen, where blanks at the end of a line are none. */
export const shownPrompt = /holdfast:~#/;

/** The prompt of a guest that has booted after the output before it. */
export const promptAfterBoot = /built-in shell \(ash\)[\s\S]*holdfast:~# /;
