namespace SpectralKD.Interactive.Magic;

/// <summary>Parameters of <c>#!spectral-methods</c>.</summary>
internal sealed class MethodsArguments
{
    [MagicParameter("one method, with what its arguments mean", Implicit = true, Value = MagicValue.Method)]
    public string? Name { get; set; }
}

/// <summary>Shows the methods to learn from a teacher.</summary>
internal sealed class MethodsCommand : MagicCommand<MethodsArguments>
{
    public override string Name => "#!spectral-methods";

    public override string Description => "the losses that --losses takes: what they compare, official defaults, source";

    public override string Example => "#!spectral-methods dkd";

    protected override Task RunAsync(MethodsArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        host.Display(MethodsView.Of(arguments.Name));
        return Task.CompletedTask;
    }
}
