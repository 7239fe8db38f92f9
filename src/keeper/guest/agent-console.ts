/** Console on which the agent of the demo guest listens (tools/guests/linux/rootfs/usr/lib/holdfast). */
export const agentConsole = 'serial1';
/** First words of the agent on its console. */
export const agentGreeting = 'holdfast-agent ';
