using SpectralKD.Interactive.Views;

namespace SpectralKD.Interactive.Magic.Commands;

/// <summary>Parameters of <c>#!spectral-save</c>.</summary>
public sealed class SaveArguments
{
    /// <summary>Variable that holds what is to be saved.</summary>
    [MagicParameter(
        "variable: a spectrum, table, layer pairs, run, dynamics, chart, images or model", Implicit = true, Required = true, Value = MagicValue.AnyVariable)]
    public string Variable { get; set; } = "";

    /// <summary>The file; its ending decides the format.</summary>
    [MagicParameter("file; its ending decides: .csv, .json, .html, .svg, .png, .pdf, .safetensors", Required = true, Value = MagicValue.Path)]
    public string To { get; set; } = "";
}

/// <summary>Saves a variable in the format that the file's ending names.</summary>
public sealed class SaveCommand : MagicCommand<SaveArguments>
{
    /// <inheritdoc/>
    public override string Name => "#!spectral-save";

    /// <inheritdoc/>
    public override string Description => "saves a variable as .csv, .json, .html, .svg, .png, .pdf or .safetensors";

    /// <inheritdoc/>
    public override string Example => "#!spectral-save spectrum --to u-curve.svg";

    /// <inheritdoc/>
    protected override async Task RunAsync(SaveArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        var value = host.Anything(arguments.Variable);
        await Task.Run(() => SavedFile.Save(value, arguments.To), cancellationToken);
        host.Display(new MessageView($"saved {arguments.Variable} to {Path.GetFullPath(arguments.To)}"));
    }
}
