namespace SpectralKD.Weights.Hub;

/// <summary>A failure that may pass: a cut connection, a time-out, a status such as 429 or 503.</summary>
internal sealed class PassingFailureException(string message, TimeSpan? retryAfter = null, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>True if no connection came about at all: the machine is offline, or the address is wrong.</summary>
    public bool NoConnection => InnerException is HttpRequestException
    {
        HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.ProxyTunnelError
    };

    /// <summary>True if the server answered, with a status that may pass.</summary>
    public bool Answered => InnerException is null;

    /// <summary>How long the server asks to wait, if it says so.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;
}

/// <summary>
/// How often to try again and how long to wait: 1, 2, 4, 8, 8 … seconds with jitter, or what the server asks for. Progress
/// between two failures starts the count anew.
/// </summary>
/// <param name="delay">Waits.</param>
/// <param name="withoutConnection">Attempts while no connection comes about: few at the start, where the machine is likely offline.</param>
internal sealed class HubRetry(Func<TimeSpan, CancellationToken, Task> delay, int withoutConnection = HubRetry.MaximumInARow)
{
    private const int MaximumInARow = 5;
    private const int MaximumInAll = 50;
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(5);

    private int inARow;
    private int inAll;

    /// <summary>Waits before the next attempt; false if there is none left, or the server asks for more than five minutes.</summary>
    public async Task<bool> WaitAsync(PassingFailureException failure, bool progressed, CancellationToken cancellation)
    {
        inARow = progressed ? 1 : inARow + 1;
        if (inARow > (failure.NoConnection ? withoutConnection : MaximumInARow) || ++inAll > MaximumInAll || failure.RetryAfter > LongestWait)
        {
            return false;
        }

        var backOff = TimeSpan.FromSeconds(Math.Min(8, 1 << (inARow - 1)) * (1 + (0.25 * Random.Shared.NextDouble())));
        await delay(failure.RetryAfter > backOff ? failure.RetryAfter.Value : backOff, cancellation).ConfigureAwait(false);
        return true;
    }
}
