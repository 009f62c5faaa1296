using System.Reflection;
using System.Reflection.Emit;

namespace SpectralKD.Cli.Tests;

/// <summary>
/// Which methods of a library compiled code can get to, read from its instructions: by calls, delegates and constructors, and through virtual and interface
/// calls to the overrides of the types that are made on the way. What the .NET libraries call back (an enumerator, <c>ToString</c>) is
/// seen for iterators and lambdas only.
/// </summary>
internal sealed class ReachableCalls
{
    private const BindingFlags Own = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;
    private const BindingFlags Inherited = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance;
    private static readonly Dictionary<short, OpCode> _codes = typeof(OpCodes).GetFields().Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    private readonly Assembly _library;
    private readonly Dictionary<MethodBase, MethodBase?> _callers = [];
    private readonly Dictionary<MethodBase, HashSet<MethodBase>> _overrides = [];
    private readonly Dictionary<MethodBase, MethodBase> _calledVirtually = [];
    private readonly HashSet<Type> _made = [];
    private readonly Queue<MethodBase> _next = [];

    /// <summary>Follows the calls of <paramref name="roots"/> into a library.</summary>
    public ReachableCalls(IEnumerable<MethodBase> roots, Assembly library)
    {
        _library = library;
        foreach (var root in roots)
        {
            Visit(root, null);
        }

        while (_next.TryDequeue(out var method))
        {
            Follow(method);
        }
    }

    /// <summary>The roots and every method of the library that they can get to.</summary>
    public IEnumerable<MethodBase> Methods => _callers.Keys;

    /// <summary>All methods and constructors of a type and of the types inside it.</summary>
    public static IEnumerable<MethodBase> Of(Type type) => [.. type.GetMethods(Own), .. type.GetConstructors(Own), .. type.GetNestedTypes(Own).SelectMany(Of)];

    /// <summary>The methods that a method's own instructions name.</summary>
    public static IEnumerable<(OpCode Code, MethodBase Method)> CallsOf(MethodBase method)
    {
        var instructions = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        var typeArguments = method.DeclaringType is { IsGenericType: true } type ? type.GetGenericArguments() : null;
        var arguments = method is MethodInfo { IsGenericMethod: true } ? method.GetGenericArguments() : null;
        for (var i = 0; i < instructions.Length;)
        {
            var code = instructions[i] == 0xFE ? _codes[(short)(0xFE00 | instructions[i + 1])] : _codes[instructions[i]];
            i += code.Size;
            if (code.OperandType is OperandType.InlineMethod)
            {
                yield return (code, Definition(method.Module.ResolveMethod(BitConverter.ToInt32(instructions, i), typeArguments, arguments)!));
            }

            i += code.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(instructions, i)),
                _ => 4,
            };
        }
    }

    /// <summary>How a method is got to, from the root on.</summary>
    public string PathTo(MethodBase method)
    {
        var path = new List<string>();
        for (MethodBase? at = method; at is not null; at = _callers[at])
        {
            path.Insert(0, $"{at.DeclaringType?.FullName ?? "?"}.{at.Name}");
        }

        return string.Join(" -> ", path);
    }

    private void Visit(MethodBase method, MethodBase? caller)
    {
        if (_callers.TryAdd(method, caller))
        {
            _next.Enqueue(method);
            if (method.DeclaringType?.TypeInitializer is { } initializer && method.DeclaringType.Assembly == _library)
            {
                Visit(Definition(initializer), method);
            }
        }
    }

    private void Follow(MethodBase method)
    {
        foreach (var (code, called) in CallsOf(method))
        {
            if (code == OpCodes.Newobj)
            {
                Make(Definition(called.DeclaringType!), method);
            }

            if (called.DeclaringType?.Assembly == _library)
            {
                Visit(called, method);
            }

            if (called is MethodInfo { IsVirtual: true } virtually && _calledVirtually.TryAdd(Slot(virtually), method))
            {
                foreach (var implementation in _overrides.GetValueOrDefault(Slot(virtually), []))
                {
                    Visit(implementation, method);
                }
            }
        }
    }

    private void Make(Type type, MethodBase maker)
    {
        if (type.IsSubclassOf(typeof(Delegate)) || !IsTied(type) || !_made.Add(type))
        {
            return;
        }

        foreach (var method in type.GetMethods(Inherited).Where(method => method.IsVirtual))
        {
            Override(Slot(method), Definition(method));
        }

        foreach (var (slot, method) in type.GetInterfaces().Select(type.GetInterfaceMap).SelectMany(map => map.InterfaceMethods.Zip(map.TargetMethods)))
        {
            Override(Definition(slot), Definition(method));
        }

        // Iterators and lambdas: the .NET libraries call them.
        foreach (var method in type.Name.StartsWith('<') && type.Assembly == _library ? type.GetMethods(Own) : [])
        {
            Visit(Definition(method), maker);
        }
    }

    // True for the library's types and for those that derive from one.
    private bool IsTied(Type? type) => type is not null && (type.Assembly == _library || IsTied(type.BaseType));

    private void Override(MethodBase slot, MethodBase method)
    {
        if (method.DeclaringType?.Assembly != _library)
        {
            return;
        }

        (_overrides.TryGetValue(slot, out var known) ? known : _overrides[slot] = []).Add(method);
        if (_calledVirtually.TryGetValue(slot, out var caller))
        {
            Visit(method, caller);
        }
    }

    private static MethodBase Slot(MethodInfo method) => Definition(method.GetBaseDefinition());

    private static Type Definition(Type type) => type.IsGenericType ? type.GetGenericTypeDefinition() : type;

    private static MethodBase Definition(MethodBase method)
    {
        var open = method is MethodInfo { IsGenericMethod: true } generic ? generic.GetGenericMethodDefinition() : method;
        return open.DeclaringType is { IsGenericType: true, IsGenericTypeDefinition: false } type
            ? MethodBase.GetMethodFromHandle(open.MethodHandle, type.GetGenericTypeDefinition().TypeHandle)!
            : open;
    }
}
