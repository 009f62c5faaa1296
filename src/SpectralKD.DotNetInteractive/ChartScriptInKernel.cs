using System.Runtime.CompilerServices;
using Microsoft.DotNet.Interactive;
using Microsoft.DotNet.Interactive.Commands;
using Microsoft.DotNet.Interactive.Events;
using SpectralKD.Interactive;

namespace SpectralKD.DotNetInteractive;

/// <summary>Follows what a notebook of .NET Interactive shows, so that one of its charts carries plotly.js and the others find it.</summary>
internal sealed class ChartScriptInKernel
{
    private static readonly ConditionalWeakTable<Kernel, ChartScriptInKernel> Known = [];
    private readonly CarriedScript _script = new();
    private KernelCommand? _cell;

    /// <summary>Follows a notebook. A no-op where it is followed already.</summary>
    public static void Follow(Kernel root)
    {
        if (!Known.TryGetValue(root, out _))
        {
            var followed = new ChartScriptInKernel();
            Known.Add(root, followed);
            root.KernelEvents.Subscribe(followed.On);
        }

        ChartScript.IsDue = () => KernelInvocationContext.Current is not { } context || !Known.TryGetValue(context.HandlingKernel.RootKernel, out var kernel) || kernel.IsDue(context.Command);
    }

    private bool IsDue(KernelCommand command)
    {
        Begin(Cell(command));
        return !_script.IsCarried;
    }

    private void On(KernelEvent happened)
    {
        var cell = Cell(happened.Command);
        if (happened is CodeSubmissionReceived)
        {
            Begin(cell);
        }

        if (happened is not DisplayEvent shown || cell is not SubmitCode { Code: var code })
        {
            return;
        }

        var html = shown.FormattedValues.FirstOrDefault(value => value.MimeType == "text/html")?.Value ?? "";
        _script.Show(cell, null, code, shown.ValueId, isChart: false);
        if (ChartScript.IsIn(html) || (ChartHtml.IsIn(html) && _script.IsCarried))
        {
            _script.Show(cell, null, code, shown.ValueId, isChart: true);
        }
    }

    private void Begin(KernelCommand cell)
    {
        if (cell is SubmitCode { Code: var code } && !ReferenceEquals(cell, _cell))
        {
            _cell = cell;
            _script.Begin(null, code);
        }
    }

    // A magic command is a command of its own within that of its cell.
    private static KernelCommand Cell(KernelCommand command) => command.Parent is { } parent ? Cell(parent) : command;
}
