namespace SpectralKD.Notebook.Session.Running;

/// <summary>How an interrupt treats what runs.</summary>
/// <param name="WakeAfter">When sleeping and waiting threads are woken.</param>
/// <param name="Patience">When the notebook stops waiting for it.</param>
internal sealed record InterruptManners(TimeSpan WakeAfter, TimeSpan Patience)
{
    /// <summary>The user's C#: woken soon, given up after the session's patience.</summary>
    public static InterruptManners Code(CSharpSessionOptions options) => new(TimeSpan.FromMilliseconds(60), options.InterruptPatience);

    /// <summary>A magic command: it knows its cancellation token and may have to put something in order first.</summary>
    public static InterruptManners Command(CSharpSessionOptions options) => new(TimeSpan.MaxValue, options.CommandPatience);

    /// <summary>True where the end is waited for also while nothing is seen to run.</summary>
    public bool EndsByItself => WakeAfter == TimeSpan.MaxValue;
}
