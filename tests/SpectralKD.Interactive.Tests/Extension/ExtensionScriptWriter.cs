using System.Text;
using SpectralKD.Interactive.Magic;

namespace SpectralKD.Interactive.Tests.Extension;

/// <summary>
/// Writes extension.dib from the command table. The file stands in the repository, so that the package can carry it; a test compares the two.
/// </summary>
internal static class ExtensionScriptWriter
{
    public static string Write()
    {
        var script = new StringBuilder(Head);
        foreach (var command in MagicCommandTable.All)
        {
            WriteClass(script, command);
        }

        script.Append(Host).Append(Start);
        foreach (var command in MagicCommandTable.All)
        {
            WriteDirective(script, command);
        }

        return script.Append(End).ToString();
    }

    private static string ClassName(MagicCommand command) => "SpectralKDDirective" + string.Concat(
        command.Name["#!spectral-".Length..].Split('-').Select(word => char.ToUpperInvariant(word[0]) + word[1..]));

    private static string Literal(string text) => "\"" + text.Replace("\\", "\\\\").Replace("\"", "\\\"") + "\"";

    private static void WriteClass(StringBuilder script, MagicCommand command)
    {
        script.Append($"public class {ClassName(command)} : Microsoft.DotNet.Interactive.Commands.KernelDirectiveCommand\n{{\n");
        foreach (var parameter in command.Parameters)
        {
            script.Append($"    public {(parameter.IsFlag ? "bool" : "object")} {parameter.PropertyName} {{ get; set; }}\n");
        }

        script.Append("}\n\n");
    }

    private static void WriteDirective(StringBuilder script, MagicCommand command)
    {
        script.Append($"    if (!Has({Literal(command.Name)}))\n");
        script.Append($"        root.AddDirective<{ClassName(command)}>(\n");
        script.Append("            new Microsoft.DotNet.Interactive.Directives.KernelActionDirective(");
        script.Append($"{Literal(command.Name)}, {Literal(command.Description)})\n            {{\n                Parameters =\n                {{\n");
        foreach (var parameter in command.Parameters)
        {
            script.Append($"                    new Microsoft.DotNet.Interactive.Directives.KernelDirectiveParameter({Literal(parameter.Name)}, {Literal(Describe(parameter))})");
            string[] marks = [parameter.Implicit ? "AllowImplicitName = true" : "", parameter.Required ? "Required = true" : "", parameter.IsFlag ? "Flag = true" : ""];
            script.Append($" {{ {string.Join(", ", marks.Where(m => m.Length > 0))} }}");
            script.Append($".AddCompletions(() => SpectralKD.Interactive.Magic.DirectiveBinding.Completions({Literal(command.Name)}, {Literal(parameter.Name)}{(parameter.IsVariable ? ", new SpectralKDNotebookHost(root)" : "")})),\n");
        }

        script.Append("                },\n            },\n");
        var values = string.Concat(command.Parameters.Select(p => $", ({Literal(p.Name)}, c.{p.PropertyName})"));
        script.Append($"            (c, context) => SpectralKDNotebookHost.RunAsync({Literal(command.Name)}, context{values}));\n");
    }

    private static string Describe(MagicParameter parameter) =>
        parameter.Description + (parameter.Choices.Count > 0 ? $": {string.Join(", ", parameter.Choices)}" : "")
        + (parameter.Default.Length > 0 ? $" [{parameter.Default}]" : "");

    private const string Head = """
        #!csharp

        // Binds SpectralKD's magic commands to .NET Interactive. Written from the command table: a test of the repository compares the two.


        """;

    private const string Host = """
        public sealed class SpectralKDNotebookHost : SpectralKD.Interactive.Magic.INotebookHost
        {
            private readonly Microsoft.DotNet.Interactive.KernelInvocationContext _context;
            private readonly Microsoft.DotNet.Interactive.CSharp.CSharpKernel _csharp;

            public SpectralKDNotebookHost(Microsoft.DotNet.Interactive.KernelInvocationContext context) : this(context.HandlingKernel.RootKernel)
            {
                _context = context;
            }

            public SpectralKDNotebookHost(Microsoft.DotNet.Interactive.Kernel root)
            {
                _csharp = (Microsoft.DotNet.Interactive.CSharp.CSharpKernel)Microsoft.DotNet.Interactive.KernelExtensions.FindKernelByName(root, "csharp");
            }

            public System.Collections.Generic.IReadOnlyList<(string Name, System.Type Type)> Variables
            {
                get
                {
                    var newest = new System.Collections.Generic.Dictionary<string, System.Type>();
                    dynamic state = ((dynamic)_csharp).ScriptState;
                    if (state is not null)
                        foreach (var variable in state.Variables) newest[variable.Name] = variable.Value?.GetType() ?? variable.Type;
                    var variables = new System.Collections.Generic.List<(string Name, System.Type Type)>();
                    foreach (var known in newest) variables.Add((known.Key, known.Value));
                    return variables;
                }
            }

            public static System.Threading.Tasks.Task RunAsync(string command, Microsoft.DotNet.Interactive.KernelInvocationContext context, params (string Name, object Value)[] values) =>
                SpectralKD.Interactive.Magic.DirectiveBinding.RunAsync(
                    command, new SpectralKDNotebookHost(context), (context.Command as Microsoft.DotNet.Interactive.Commands.SubmitCode)?.Code, message => context.Fail(context.Command, message: message), context.CancellationToken, values);

            public SpectralKD.Interactive.Magic.IDisplayedValue Display(object value)
            {
                var shown = Microsoft.DotNet.Interactive.KernelInvocationContextExtensions.Display(_context, value);
                return new Shown(shown.Update);
            }

            public bool TryGetVariable(string name, out object value) => _csharp.TryGetValue<object>(name, out value);

            public System.Threading.Tasks.Task SetVariableAsync(string name, object value, System.Type declaredType) =>
                _csharp.SetValueAsync(name, value, declaredType);

            private sealed class Shown : SpectralKD.Interactive.Magic.IDisplayedValue
            {
                private readonly System.Action<object> _update;
                public Shown(System.Action<object> update) { _update = update; }
                public void Update(object value) => _update(value);
            }
        }

        """;

    private const string Start = """

        #!csharp

        {
            var root = Microsoft.DotNet.Interactive.KernelInvocationContext.Current.HandlingKernel.RootKernel;
            bool Has(string name) => System.Linq.Enumerable.Any(root.KernelInfo.SupportedDirectives, d => d.Name == name);
            var first = !Has("#!spectral-help");
            SpectralKD.Interactive.NotebookExtension.Install(
                plotlyMime: (root as Microsoft.DotNet.Interactive.CompositeKernel)?.FrontendEnvironment?.GetType().Name != "HtmlNotebookFrontendEnvironment");

        """;

    private const string End = """
            if (first)
                Microsoft.DotNet.Interactive.KernelInvocationContextExtensions.DisplayAs(
                    Microsoft.DotNet.Interactive.KernelInvocationContext.Current, SpectralKD.Interactive.NotebookExtension.BannerHtml, "text/html");
        }

        """;
}
